// Secrets on their way from the reconciler to the edge: sealed to the pool's identity there, opened here, written for the workers to read.
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { age } from '../../agent/adapters/age.ts';
import { neededUsers, usersFileName, usersProblem } from '../../agent/core/users-file.ts';
import type { Chunk } from '../../bundle/config.ts';
import type { Sealed } from '../../reconciler/core/sealed.ts';

/** `TEAM/NAME` of a reference `{file: NAME}` in that team's route → htpasswd lines. */
export type Secrets = Readonly<Record<string, string>>;

export interface EdgeSecrets {
  /** Of the identity that everything is sealed to. */
  readonly recipient: string;
  /** As the compiler asks for them. */
  seal(secrets: Secrets): Promise<Sealed>;
  /** Writes what the routes need. @throws KokoaError unseal_failed; Error with what the agent would not let nginx read */
  open(chunks: readonly Chunk[]): Promise<void>;
}

/** `dir`: the folder of the users' files. `gid`: group of the web server's workers. */
export async function createEdgeSecrets(dir: string, gid: number | undefined): Promise<EdgeSecrets> {
  const identity = await age.generate();
  const recipient = await age.recipientOf(identity);

  /** Sealing twice gives two texts; here the same secret is always the same one. */
  const known = new Map<string, string>();

  async function write(sealed: string): Promise<void> {
    const text = await age.open(identity, sealed);
    const problem = usersProblem(text);
    if (problem !== undefined) throw new Error(`the agent refuses the users: ${problem}`);
    const path = join(dir, usersFileName(sealed));
    await writeFile(path, text, { mode: 0o640 });
    if (gid !== undefined) await chown(path, 0, gid);
  }

  return {
    recipient,
    async seal(secrets) {
      for (const text of Object.values(secrets)) {
        if (!known.has(text)) known.set(text, await age.seal([recipient], text));
      }
      return { of: (_pool, team, { file }) => known.get(secrets[`${team}/${file}`] ?? '') };
    },
    async open(chunks) {
      await mkdir(dir, { recursive: true });
      await chmod(dir, 0o755);
      for (const sealed of neededUsers(chunks).sealed.keys()) await write(sealed);
    },
  };
}
