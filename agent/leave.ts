// Taking the agent away: everything it started, set up or wrote is undone, and nothing else. Law: the tunnel goes before its packet
// filter, so that no port stands open meanwhile, and what says whose machine this is goes last, so that a killed leave goes on.

/** One kind of thing that an agent leaves on a machine. */
export interface Leftover {
  /** Undoes it, as far as it is there. Answers what was done, a line each; none: nothing was there. @throws KokoaError */
  undo(): Promise<string[]>;
}

export interface Leavings {
  webServer: Leftover;
  certificateOrders: Leftover;
  tunnel: Leftover;
  /** What the agent turned on in the kernel. Needs the filter, which guards what forwards. */
  kernelSettings: Leftover;
  packetFilter: Leftover;
  /** Keys, certificates and all that is remembered. Absent: they stay. */
  state?: Leftover | undefined;
}

/**
 * Undoes all of it in order and says each step. Idempotent: what is gone is not there to undo. Answers the number of things undone.
 * @throws KokoaError of the first thing that cannot be undone; what comes after it was not touched
 */
export async function leave(leavings: Leavings, say: (line: string) => void): Promise<number> {
  const { webServer, certificateOrders, tunnel, kernelSettings, packetFilter, state } = leavings;
  let undone = 0;
  for (const leftover of [webServer, certificateOrders, tunnel, kernelSettings, packetFilter, state]) {
    for (const line of (await leftover?.undo()) ?? []) {
      undone += 1;
      say(line);
    }
  }
  return undone;
}
