#!/usr/bin/env node
import { runFoundry } from "./runFoundry.mjs";

runFoundry("anvil", process.argv.slice(2));
