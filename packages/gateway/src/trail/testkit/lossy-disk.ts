/**
 * A disk in memory that keeps no more than it promises: file content after `sync` or a synchronous write, names after `syncFolder`. What is under way when it
 * crashes may be lost, kept, or torn within a sector. Names are kept per folder in the order they were changed; two folders know nothing of each other.
 *
 * `onPoint` is called before and within every operation: the places where a crash can come.
 */
import { dirname, basename } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Bytes } from '#base'
import type { FilePort, OpenFile } from '../file-port.ts'

const SECTOR = 512

/**
 * How much of what was not durable a crash leaves. `kill`: all of it, for the time being, since only the process is gone: a loss of power that comes next
 * may still take it.
 */
export type CrashMode = 'lose' | 'tear' | 'kill'

type Change = { readonly kind: 'write'; readonly offset: number; readonly data: Buffer } | { readonly kind: 'truncate' }

class Inode {
  durable: Buffer = Buffer.alloc(0)
  pending: Change[] = []
  #view: Buffer | undefined

  get content(): Buffer {
    this.#view ??= this.pending.reduce(applyChange, this.durable)
    return this.#view
  }

  change(change: Change): void {
    const view = applyChange(this.content, change)
    this.pending.push(change)
    this.#view = view
  }

  sync(): void {
    this.durable = this.content
    this.pending = []
  }

  replace(content: Buffer): void {
    this.durable = content
    this.pending = []
    this.#view = undefined
  }

  clone(): Inode {
    const copy = new Inode()
    copy.durable = this.durable
    copy.pending = [...this.pending]
    return copy
  }
}

type NameChange =
  | { readonly kind: 'link'; readonly name: string; readonly node: Node }
  | { readonly kind: 'unlink'; readonly name: string }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }

class Folder {
  durable = new Map<string, Node>()
  pending: NameChange[] = []
  names = new Map<string, Node>()

  change(change: NameChange): void {
    this.pending.push(change)
    applyName(this.names, change)
  }

  sync(): void {
    this.durable = new Map(this.names)
    this.pending = []
  }
}

type Node = Inode | Folder

function applyChange(content: Buffer, change: Change): Buffer {
  if (change.kind === 'truncate') return Buffer.alloc(0)
  const { offset, data } = change
  const result = Buffer.alloc(Math.max(content.length, offset + data.length))
  content.copy(result)
  data.copy(result, offset)
  return result
}

function applyName(names: Map<string, Node>, change: NameChange): void {
  if (change.kind === 'link') names.set(change.name, change.node)
  else if (change.kind === 'unlink') names.delete(change.name)
  else {
    const node = names.get(change.from)
    names.delete(change.from)
    if (node !== undefined) names.set(change.to, node)
  }
}

/** What an operation is about to be done to. */
export interface Point {
  readonly operation: keyof FilePort | keyof OpenFile
  readonly path: string
}

/** What may befall an operation: an error, a write that stops short, or one that takes until the promise resolves. */
export type Mishap =
  | { readonly kind: 'error'; readonly code: string; readonly written?: number }
  | { readonly kind: 'short'; readonly written: number }
  | { readonly kind: 'slow'; readonly until: Promise<void> }

export class LossyDisk implements FilePort {
  onPoint: (point: Point) => void = () => undefined
  mishap: (point: Point) => Mishap | undefined = () => undefined
  #root = new Folder()
  #isGone = false

  /** A copy as it stands, with what is not durable. */
  snapshot(): LossyDisk {
    const copies = new Map<Node, Node>()
    const copy = (node: Node): Node => {
      const done = copies.get(node)
      if (done !== undefined) return done
      if (node instanceof Inode) {
        const inode = node.clone()
        copies.set(node, inode)
        return inode
      }
      const folder = new Folder()
      copies.set(node, folder)
      folder.names = new Map([...node.names].map(([name, child]) => [name, copy(child)]))
      folder.durable = new Map([...node.durable].map(([name, child]) => [name, copy(child)]))
      folder.pending = node.pending.map((change) =>
        change.kind === 'link' ? { ...change, node: copy(change.node) } : change,
      )
      return folder
    }
    const disk = new LossyDisk()
    disk.#root = copy(this.#root) as Folder
    return disk
  }

  /** Loses power: decides what of the pending becomes of it. For snapshots, which nobody uses any more. */
  crash(mode: CrashMode, random: () => number): LossyDisk {
    if (mode === 'kill') return this.snapshot()
    const seen = new Set<Node>()
    const settle = (node: Node): void => {
      if (seen.has(node)) return
      seen.add(node)
      if (node instanceof Inode) {
        if (mode === 'tear')
          node.durable = node.pending.reduce((content, change) => tear(content, change, random), node.durable)
        node.pending = []
        return
      }
      for (const child of [...node.names.values(), ...node.durable.values()]) settle(child)
      for (const change of node.pending) if (change.kind === 'link') settle(change.node)
      const kept = mode === 'lose' ? 0 : Math.floor(random() * (node.pending.length + 1))
      for (const change of node.pending.slice(0, kept)) applyName(node.durable, change)
      node.names = new Map(node.durable)
      node.pending = []
    }
    settle(this.#root)
    return this.snapshot()
  }

  /** From now on nothing is answered any more. */
  vanish(): void {
    this.#isGone = true
  }

  async create(path: string): Promise<OpenFile> {
    await this.#point('create', path)
    const folder = this.#folder(dirname(path))
    const found = folder.names.get(basename(path))
    const inode = found instanceof Inode ? found : new Inode()
    if (found === undefined) folder.change({ kind: 'link', name: basename(path), node: inode })
    else inode.change({ kind: 'truncate' })
    return new LossyFile(this, path, inode, false)
  }

  async openSynchronous(path: string): Promise<OpenFile> {
    await this.#point('openSynchronous', path)
    return new LossyFile(this, path, this.#file(path), true)
  }

  async openForReading(path: string): Promise<OpenFile | undefined> {
    await this.#point('openForReading', path)
    const inode = this.#find(path)
    return inode instanceof Inode ? new LossyFile(this, path, inode, false) : undefined
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#point('rename', to)
    const node = this.#file(from)
    const source = this.#folder(dirname(from))
    const target = this.#folder(dirname(to))
    if (source === target) {
      source.change({ kind: 'rename', from: basename(from), to: basename(to) })
      return
    }
    target.change({ kind: 'link', name: basename(to), node })
    source.change({ kind: 'unlink', name: basename(from) })
  }

  async remove(path: string): Promise<void> {
    await this.#point('remove', path)
    if (this.#find(path) !== undefined) this.#folder(dirname(path)).change({ kind: 'unlink', name: basename(path) })
  }

  async removeFolder(path: string): Promise<void> {
    await this.#point('removeFolder', path)
    const node = this.#find(path)
    if (node instanceof Folder && node.names.size === 0) {
      this.#folder(dirname(path)).change({ kind: 'unlink', name: basename(path) })
    }
  }

  async list(folder: string): Promise<readonly string[]> {
    await this.#point('list', folder)
    const node = this.#find(folder)
    return node instanceof Folder ? [...node.names.keys()] : []
  }

  async makeFolder(path: string): Promise<boolean> {
    await this.#point('makeFolder', path)
    if (this.#find(path) !== undefined) return false
    this.#folder(dirname(path)).change({ kind: 'link', name: basename(path), node: new Folder() })
    return true
  }

  async syncFolder(path: string): Promise<void> {
    await this.#point('syncFolder', path)
    this.#folder(path).sync()
  }

  /** The content of a file as a reader sees it. */
  contentOf(path: string): Buffer | undefined {
    const node = this.#find(path)
    return node instanceof Inode ? node.content : undefined
  }

  /** Replaces a file's content durably, as somebody with access to the disk would. */
  overwrite(path: string, content: Bytes): void {
    this.#file(path).replace(Buffer.from(content))
  }

  /** The names in a folder, now. */
  namesIn(path: string): readonly string[] {
    const node = this.#find(path)
    return node instanceof Folder ? [...node.names.keys()].sort() : []
  }

  async #point(operation: Point['operation'], path: string): Promise<void> {
    await this.reach({ operation, path })
    const mishap = this.mishap({ operation, path })
    if (mishap?.kind === 'error') throw systemError(mishap.code)
    if (mishap?.kind === 'slow') await mishap.until
  }

  /** A place where a crash can come. */
  async reach(point: Point): Promise<void> {
    this.onPoint(point)
    if (this.#isGone) await new Promise(() => undefined)
    await Promise.resolve()
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root
    for (const name of path.split('/').filter((part) => part !== '')) {
      node = node instanceof Folder ? node.names.get(name) : undefined
    }
    return node
  }

  #folder(path: string): Folder {
    const node = this.#find(path)
    if (node instanceof Folder) return node
    throw systemError('ENOENT')
  }

  #file(path: string): Inode {
    const node = this.#find(path)
    if (node instanceof Inode) return node
    throw systemError('ENOENT')
  }
}

class LossyFile implements OpenFile {
  readonly #disk: LossyDisk
  readonly #path: string
  readonly #inode: Inode
  readonly #isSynchronous: boolean

  constructor(disk: LossyDisk, path: string, inode: Inode, isSynchronous: boolean) {
    this.#disk = disk
    this.#path = path
    this.#inode = inode
    this.#isSynchronous = isSynchronous
  }

  async write(pieces: readonly Bytes[], position: number): Promise<number> {
    await this.#disk.reach({ operation: 'write', path: this.#path })
    const data = Buffer.concat(pieces)
    const mishap = this.#disk.mishap({ operation: 'write', path: this.#path })
    if (mishap?.kind === 'slow') await mishap.until
    const written = mishap === undefined || mishap.kind === 'slow' ? data.length : (mishap.written ?? 0)
    this.#inode.change({ kind: 'write', offset: position, data: data.subarray(0, written) })
    // Within the write: it is on its way, and not yet promised; others have their turn meanwhile.
    await nextTurn()
    await this.#disk.reach({ operation: 'write', path: this.#path })
    if (mishap?.kind === 'error') throw systemError(mishap.code)
    if (this.#isSynchronous && mishap?.kind !== 'short') this.#inode.sync()
    return written
  }

  async read(target: Bytes, position: number): Promise<number> {
    await this.#disk.reach({ operation: 'read', path: this.#path })
    return this.#inode.content.copy(target, 0, position)
  }

  async size(): Promise<number> {
    await this.#disk.reach({ operation: 'size', path: this.#path })
    return this.#inode.content.length
  }

  async sync(): Promise<void> {
    await this.#disk.reach({ operation: 'sync', path: this.#path })
    const mishap = this.#disk.mishap({ operation: 'sync', path: this.#path })
    if (mishap?.kind === 'error') throw systemError(mishap.code)
    this.#inode.sync()
  }

  async close(): Promise<void> {
    await this.#disk.reach({ operation: 'close', path: this.#path })
  }
}

/** Some sectors of a write in any order, or those up to one that was being written: of that one nothing is sure, not even what it held before. */
function tear(content: Buffer, change: Change, random: () => number): Buffer {
  if (change.kind === 'truncate') return random() < 0.5 ? content : Buffer.alloc(0)
  const { offset, data } = change
  if (random() < 0.5) {
    const end = offset + Math.floor(random() * data.length)
    const kept = applyChange(content, { kind: 'write', offset, data: data.subarray(0, end - offset) })
    const sector = Math.floor(end / SECTOR) * SECTOR
    return applyChange(kept, { kind: 'write', offset: sector, data: Buffer.alloc(SECTOR, 0xa5) })
  }
  let result = content
  for (let at = 0; at < data.length; at += SECTOR) {
    if (random() < 0.5) continue
    result = applyChange(result, { kind: 'write', offset: offset + at, data: data.subarray(at, at + SECTOR) })
  }
  return result
}

function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code })
}
