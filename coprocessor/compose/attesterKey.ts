import type { AttesterSource } from "../config/attesterConfig.ts";
import { readKeystore, readPasswordFile } from "../keys/keystore.ts";
import type { AttesterKey } from "../keys/port.ts";
import { createPrivateKeySigner } from "../keys/privateKey.ts";
import { createWeb3signerKey } from "../keys/web3signer.ts";

/** Opens the attester's key where the configuration says that it is. */
export async function openAttesterKey(source: AttesterSource): Promise<AttesterKey> {
  switch (source.kind) {
    case "key":
      return createPrivateKeySigner(source.key);
    case "keystore": {
      const { password } = source;
      const text = "file" in password ? await readPasswordFile(password.file) : password.text;
      return createPrivateKeySigner(await readKeystore(source.path, text));
    }
    case "signer":
      return createWeb3signerKey(source);
  }
}
