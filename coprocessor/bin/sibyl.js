#!/usr/bin/env node
import { register } from "tsx/esm/api";

// The sources are TypeScript; tsx strips the types as they load.
register();
await import("../cli/sibyl.ts");
