// Sets of networks that the web server looks a visitor's address up in. Law: one set per distinct list, whoever uses it.
import { sha256Hex } from '../../bundle/canonical.ts';
import { allowed } from './mustache-template.ts';

export interface NetworkList {
  /** Says what is in it. */
  id: string;
  networks: readonly string[];
}

export class NetworkLists {
  readonly #byKey = new Map<string, NetworkList>();

  /** The id of the set with these networks. @throws KokoaError unsafe_value */
  idOf(networks: readonly string[]): string {
    const key = networks.join(' ');
    let list = this.#byKey.get(key);
    if (!list) {
      for (const network of networks) allowed('network', network);
      list = { id: `n${sha256Hex(key).slice(0, 24)}`, networks };
      this.#byKey.set(key, list);
    }
    return list.id;
  }

  /** Sorted by id. */
  all(): NetworkList[] {
    return [...this.#byKey.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }
}
