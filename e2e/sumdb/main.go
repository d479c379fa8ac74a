// Checks with golang.org/x/mod/sumdb what @sallyport/verifier signed and proved: reads a JSON request from standard input and exits 0
// only if the note opens under its key and every proof holds.
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type proof struct {
	N      int64    `json:"n"`
	Hash   string   `json:"hash"`
	Hashes []string `json:"hashes"`
}

type request struct {
	VerifierKey string  `json:"vkey"`
	Note        string  `json:"note"`
	Text        string  `json:"text"`
	Size        int64   `json:"size"`
	Root        string  `json:"root"`
	Inclusion   []proof `json:"inclusion"`
	Consistency []proof `json:"consistency"`
}

func main() {
	if err := check(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("all hold")
}

func check() error {
	var r request
	if err := json.NewDecoder(os.Stdin).Decode(&r); err != nil {
		return err
	}
	verifier, err := note.NewVerifier(r.VerifierKey)
	if err != nil {
		return err
	}
	opened, err := note.Open([]byte(r.Note), note.VerifierList(verifier))
	if err != nil {
		return err
	}
	if opened.Text != r.Text {
		return fmt.Errorf("text is %q", opened.Text)
	}
	root, err := parseHash(r.Root)
	if err != nil {
		return err
	}
	for _, p := range r.Inclusion {
		hash, hashes, err := parse(p)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(hashes, r.Size, root, p.N, hash); err != nil {
			return fmt.Errorf("inclusion of %d: %w", p.N, err)
		}
	}
	for _, p := range r.Consistency {
		hash, hashes, err := parse(p)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(hashes, r.Size, root, p.N, hash); err != nil {
			return fmt.Errorf("consistency from %d: %w", p.N, err)
		}
	}
	return nil
}

func parse(p proof) (tlog.Hash, []tlog.Hash, error) {
	hash, err := parseHash(p.Hash)
	if err != nil {
		return hash, nil, err
	}
	hashes := make([]tlog.Hash, 0, len(p.Hashes))
	for _, text := range p.Hashes {
		h, err := parseHash(text)
		if err != nil {
			return hash, nil, err
		}
		hashes = append(hashes, h)
	}
	return hash, hashes, nil
}

func parseHash(text string) (tlog.Hash, error) {
	var hash tlog.Hash
	bytes, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(bytes) != len(hash) {
		return hash, fmt.Errorf("%q is not a hash", text)
	}
	copy(hash[:], bytes)
	return hash, nil
}
