#!/usr/bin/env node
import { runFoundry } from "./runFoundry.mjs";

runFoundry("forge", process.argv.slice(2));
