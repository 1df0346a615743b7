import type { ChainEvent } from "../chain/port.ts";
import type { PipelineDeps } from "./deps.ts";

type RegistryEvent = Extract<
  ChainEvent,
  {
    type:
      | "OperatorRegistered"
      | "EndpointChanged"
      | "AttesterRotated"
      | "EnrolmentChanged"
      | "ModelPublished"
      | "ManifestURIChanged";
  }
>;

/** Keeps our copy of the registries: operators, their seats, and models. */
export async function onRegistryEvent({ store, log }: PipelineDeps, event: RegistryEvent): Promise<void> {
  const block = event.position.blockNumber;
  switch (event.type) {
    case "OperatorRegistered": {
      const { operatorId, owner, attester, endpoint } = event;
      return store.putOperator({ operatorId, owner, attester, endpoint }, block);
    }
    case "EndpointChanged":
    case "AttesterRotated": {
      const operator = await store.operator(event.operatorId);
      if (operator === null) {
        log.warn(
          { operatorId: event.operatorId, type: event.type },
          "event of an operator that never registered",
        );
        return;
      }
      const change =
        event.type === "EndpointChanged" ? { endpoint: event.endpoint } : { attester: event.attester };
      return store.putOperator({ ...operator, ...change }, block);
    }
    case "EnrolmentChanged": {
      const { modelId, operatorId, attester, weight, activeFrom } = event;
      return store.putEnrolment({ modelId, operatorId, attester, weight, activeFrom }, block);
    }
    case "ModelPublished": {
      const { modelId, publisher, manifestURI, profile } = event;
      return store.putModel({ modelId, publisher, manifestURI, profile }, block);
    }
    case "ManifestURIChanged": {
      const model = await store.model(event.modelId);
      if (model === null) {
        log.warn({ modelId: event.modelId }, "manifest URI of a model that was never published");
        return;
      }
      return store.putModel({ ...model, manifestURI: event.manifestURI }, block);
    }
  }
}
