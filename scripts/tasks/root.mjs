import { fileURLToPath } from "node:url";

/** Absolute path of the repository that this runner stands in; a copied runner runs its own copy's tasks. */
export const root = fileURLToPath(new URL("../../", import.meta.url));
