// Notices that the clock was set back, by NTP or by a person: what was put off until a time of before would wait until that comes again.

/** What is adjusted in small steps all day is none. */
const STEP_MS = 60_000;

/** True once after each step back, whenever it is asked. `now`: ms since the epoch. */
export function noticeStepsBack(now: () => number): () => boolean {
  let latest = now();
  return () => {
    const at = now();
    const back = at < latest - STEP_MS;
    latest = back ? at : Math.max(latest, at);
    return back;
  };
}
