import { attesterConsentTypedData, operatorRegistryAbi } from "@sibyl/sdk";
import { Command } from "commander";
import { formatEther, parseEther } from "viem";
import { readAttesterSource } from "../config/attesterConfig.ts";
import { connectOwner } from "./ownerClient.ts";

export function registerCommand(): Command {
  return new Command("register")
    .description(
      "Registers OWNER_KEY's account as an operator with the attester's key (ATTESTER_KEY, or as `node` finds it). Needs RPC_URL, ORACLE_ADDRESS.",
    )
    .requiredOption("--stake <coins>", "stake to lock, in whole coins, for example 1.5")
    .requiredOption(
      "--endpoint <address>",
      "where peers dial the node, for example /ip4/203.0.113.7/tcp/4001, or its URL with P2P_TRANSPORT=http",
    )
    .option("--fund <coins>", "also send the attester coins for gas")
    .action(async (options: { stake: string; endpoint: string; fund?: string }) => {
      const owner = await connectOwner(process.env);
      const source = readAttesterSource(process.env);
      // Only now: the command's other parts need none of what it loads.
      const { openAttesterKey } = await import("../compose/attesterKey.ts");
      const { account: attester } = await openAttesterKey(source);
      const scope = { chainId: owner.chainId, registry: owner.operatorRegistry };
      const consent = await attester.signTypedData(
        attesterConsentTypedData(scope, { owner: owner.account.address, attester: attester.address }),
      );
      const registry = { address: owner.operatorRegistry, abi: operatorRegistryAbi } as const;
      await owner.confirm(
        await owner.wallet.writeContract({
          ...registry,
          functionName: "register",
          args: [attester.address, consent, options.endpoint],
          value: parseEther(options.stake),
        }),
      );
      if (options.fund !== undefined) {
        const value = parseEther(options.fund);
        await owner.confirm(await owner.wallet.sendTransaction({ to: attester.address, value }));
      }
      const operatorId = await owner.publicClient.readContract({
        ...registry,
        functionName: "operatorOf",
        args: [attester.address],
      });
      const balance = await owner.publicClient.getBalance({ address: attester.address });
      console.log(
        `operator ${operatorId}: attester ${attester.address}, ${formatEther(balance)} coins for gas`,
      );
      console.log("next: sibyl enroll <modelId>, then sibyl node");
    });
}
