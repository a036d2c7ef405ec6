// Announcements that were refused lately, for the people who are to see them. Law: bounded, whatever somebody with a token posts, and one
// that was refused stays in sight although the node itself goes on reporting.

export interface RefusedAnnouncement {
  reason: string;
  /** The last time. */
  atMs: number;
}

export interface RefusedAnnouncements {
  /** True when this is news, so that it is logged once and not for every post. */
  add(node: string, reason: string, nowMs: number): boolean;
  /** The last one of the node. */
  of(node: string, nowMs: number): RefusedAnnouncement | undefined;
  /** Nodes that have one. */
  count(nowMs: number): number;
  /** Another machine holds the slot from now on: what was refused before is over. */
  forget(node: string): void;
}

/** After the last of its kind. */
export const REFUSED_SHOWN_MS = 60 * 60_000;
/** Different reasons of one node; more of them are news no longer. */
const REASONS_MAX = 8;

export function createRefusedAnnouncements(): RefusedAnnouncements {
  /** Node → reason → when last; the newest last. */
  const refused = new Map<string, Map<string, number>>();

  function recent(node: string, nowMs: number): Map<string, number> {
    const reasons = new Map([...(refused.get(node) ?? [])].filter(([, atMs]) => nowMs - atMs < REFUSED_SHOWN_MS));
    if (reasons.size === 0) refused.delete(node);
    else refused.set(node, reasons);
    return reasons;
  }

  return {
    add(node, reason, nowMs) {
      const reasons = recent(node, nowMs);
      const isNews = !reasons.has(reason) && reasons.size < REASONS_MAX;
      if (!isNews && !reasons.has(reason)) return false;
      reasons.delete(reason);
      refused.set(node, reasons.set(reason, nowMs));
      return isNews;
    },
    of(node, nowMs) {
      const last = [...recent(node, nowMs)].at(-1);
      return last && { reason: last[0], atMs: last[1] };
    },
    count: (nowMs) => [...refused.keys()].filter((node) => recent(node, nowMs).size > 0).length,
    forget: (node) => void refused.delete(node),
  };
}
