import { storeConformance } from "./conformance.ts";
import { openEmbeddedStore } from "./embedded.ts";

storeConformance("PGlite", openEmbeddedStore, false);
