import { resolve } from "node:path";
import { Command } from "commander";
import { readAttesterSource } from "../config/attesterConfig.ts";
import { CoprocessorError } from "../core/errors.ts";

export function keyCommand(): Command {
  return new Command("key")
    .description("Makes and shows attester keys.")
    .addCommand(createCommand())
    .addCommand(addressCommand());
}

function createCommand(): Command {
  return new Command("create")
    .description(
      "Makes a new key and writes it as an encrypted keystore file. The password is ATTESTER_PASSWORD, or in ATTESTER_PASSWORD_FILE.",
    )
    .argument("<file>", "where to write it; an existing file is left alone")
    .action(async (file: string) => {
      const { createKeystore, readPasswordFile } = await import("../keys/keystore.ts");
      const { ATTESTER_PASSWORD: text, ATTESTER_PASSWORD_FILE: passwordFile } = process.env;
      if (!text && !passwordFile) {
        throw new CoprocessorError("neither ATTESTER_PASSWORD nor ATTESTER_PASSWORD_FILE is set", {
          code: "config/invalid",
          retry: "never",
        });
      }
      const address = await createKeystore(
        resolve(file),
        passwordFile ? await readPasswordFile(resolve(passwordFile)) : (text as string),
      );
      console.log(`${address} in ${file}`);
      console.log(
        `next: ATTESTER_KEYSTORE=${file} sibyl register …, then keep the file and the password apart`,
      );
    });
}

function addressCommand(): Command {
  return new Command("address")
    .description("Prints the address of the attester's key, wherever the environment says that it is.")
    .action(async () => {
      const source = readAttesterSource(process.env);
      const { openAttesterKey } = await import("../compose/attesterKey.ts");
      console.log((await openAttesterKey(source)).address);
    });
}
