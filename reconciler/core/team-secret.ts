// What `kokoa seal` encrypts. Law: the team stands inside, so a sealed text that another team copies from git is worth nothing there.
import { canonicalJson } from '../../bundle/canonical.ts';

export interface TeamSecret {
  team: string;
  /** Lines of NAME:HASH, as `checkUsers` writes them. */
  users: string;
}

export function teamSecretText({ team, users }: TeamSecret): string {
  return canonicalJson({ team, users });
}

/** Undefined for anything else than what teamSecretText writes. */
export function readTeamSecret(text: string): TeamSecret | undefined {
  try {
    const { team, users } = JSON.parse(text) as Partial<TeamSecret>;
    return typeof team === 'string' && typeof users === 'string' ? { team, users } : undefined;
  } catch {
    return undefined;
  }
}
