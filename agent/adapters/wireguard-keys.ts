// The files of a node's WireGuard keys: `wireguard.key` is what the interface uses, `wireguard.key.next` what it will use,
// `wireguard.key.previous` what it used until a moment ago. Law: every step is one rename or one removal, and what lies there says which
// step was the last, so that a killed agent goes on where it was.
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { publicKeyOf } from '../core/wireguard-key.ts';
import type { WireguardKeys } from '../ports/wireguard-keys.ts';
import { syncDirectory, writeDurably } from './durable-write.ts';
import { readSecret } from './secret-file.ts';

export interface WireguardKeyFiles {
  /** Of the key in use; it is there. */
  path: string;
  /** A new private key, base64. */
  make(): string;
}

/** @throws KokoaError secret_exposed, secret_unreadable */
export async function openWireguardKeys({ path, make }: WireguardKeyFiles): Promise<WireguardKeys> {
  const [nextPath, previousPath] = [`${path}.next`, `${path}.previous`];
  const read = async (file: string) => publicKeyOf((await readSecret(file)) ?? '');
  let current = (await read(path)) ?? '';
  let next = await read(nextPath);
  // Equal to the key in use: the step that would have put the next one there was cut off.
  let previous = await read(previousPath).then((key) => (key === current ? undefined : key));

  // What lies there is known at once: a disk that only fails to sync has done the step, and it is not done again.
  const remove = async (file: string, done: () => void) => {
    await rm(file, { force: true });
    done();
    await syncDirectory(dirname(path));
  };
  const take = async (from: string, done: () => void) => {
    await rename(from, path);
    done();
    await syncDirectory(dirname(path));
  };
  const stage = () => (previous !== undefined ? 'switched' : next === undefined ? 'steady' : 'announced');

  return {
    stage,
    announced() {
      if (previous !== undefined) return { wireguardPublicKey: previous, nextWireguardPublicKey: current };
      return { wireguardPublicKey: current, ...(next !== undefined && { nextWireguardPublicKey: next }) };
    },
    async make() {
      const key = make();
      await writeDurably(nextPath, `${key}\n`, { mode: 0o600 });
      next = publicKeyOf(key);
    },
    async switch() {
      if (stage() !== 'announced') return;
      await writeDurably(previousPath, (await readSecret(path)) ?? '', { mode: 0o600 });
      await take(nextPath, () => {
        [previous, current, next] = [current, next!, undefined];
      });
    },
    async confirm() {
      await remove(previousPath, () => {
        previous = undefined;
      });
    },
    async revert() {
      if (previous === undefined) {
        await remove(nextPath, () => {
          next = undefined;
        });
      } else {
        await take(previousPath, () => {
          [current, previous] = [previous!, undefined];
        });
      }
    },
  };
}
