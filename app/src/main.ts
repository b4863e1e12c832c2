#!/usr/bin/env -S node --max-semi-space-size=16
/** The `siem-relay` command. */
import { runCli } from './cli.ts'

await runCli(process.argv.slice(2))
