import type { MessageProgress } from "./messageProgress.ts";

/**
 * Shows a run while it goes on.
 *
 * Implementations: `liveView` (a table that changes in place, on a terminal), `plainView` (lines, anywhere else).
 */
export interface View {
  /** What is being prepared. */
  step(text: string): void;
  /** A message, whenever it changed. */
  show(message: MessageProgress): void;
  /** Nothing changes any more; what is written next comes below. */
  end(): void;
}
