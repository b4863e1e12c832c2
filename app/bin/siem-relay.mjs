#!/usr/bin/env node
/** The `siem-relay` command, on the Node it needs. */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runOnExactNode } from '../../scripts/exact-node.mjs'

runOnExactNode(join(dirname(fileURLToPath(import.meta.url)), '..', 'src', 'main.ts'), process.argv.slice(2))
