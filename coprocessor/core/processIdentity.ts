/** A running process, told apart from a later one with the same pid. */
export interface ProcessIdentity {
  host: string;
  pid: number;
  /** Clock ticks since boot (Linux); null where the system does not tell. */
  startTicks: string | null;
}
