"""An MCP client on the official Python SDK, driven by lines of JSON on its standard input and output.

    python client.py URL MODE [TOKEN]

MODE is "legacy", "auto" or a version of the protocol. Without a token it logs in: it says {"visit": ADDRESS} and reads the address that the
browser came back to. It then says {"protocol": ..., "tools": [...]}, and answers each line {"name": ..., "arguments": {...}} with what the tool said.
"""

import asyncio
import json
import sys
from urllib.parse import parse_qs, urlsplit

from mcp import Client, MCPError
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

CALLBACK = "http://127.0.0.1:33419/callback"


def say(value):
    print(json.dumps(value), flush=True)


async def hear():
    return await asyncio.to_thread(sys.stdin.readline)


class Storage:
    """Keeps the tokens and the registration while the client runs."""

    def __init__(self):
        self.tokens = None
        self.client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        self.client = client_info


async def redirect(address):
    say({"visit": address})


async def callback():
    query = parse_qs(urlsplit((await hear()).strip()).query)
    code, state, iss = (query.get(name, [None])[0] for name in ("code", "state", "iss"))
    return AuthorizationCodeResult(code=code, state=state, iss=iss)


def login(url):
    metadata = OAuthClientMetadata(client_name="python-agent", redirect_uris=[CALLBACK])
    return OAuthClientProvider(url, metadata, Storage(), redirect, callback)


async def main(url, mode, token=None):
    headers = None if token is None else {"Authorization": f"Bearer {token}"}
    auth = login(url) if token is None else None
    async with create_mcp_http_client(headers=headers, auth=auth) as http:
        async with Client(streamable_http_client(url, http_client=http), mode=mode) as client:
            tools = await client.list_tools()
            say({"protocol": client.protocol_version, "tools": [tool.name for tool in tools.tools]})
            while line := await hear():
                call = json.loads(line)
                try:
                    result = await client.call_tool(call["name"], call["arguments"])
                    say({"result": json.loads(result.model_dump_json(by_alias=True, exclude_none=True))})
                except MCPError as error:
                    say({"error": str(error)})


asyncio.run(main(*sys.argv[1:]))
