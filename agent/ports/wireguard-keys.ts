// The WireGuard keys of a node while one replaces the other. Law: what is announced as the node's own key is one that its peers know.

export type KeyStage =
  /** One key, and no other. */
  | 'steady'
  /** The next key is made and announced; the interface has the old one. */
  | 'announced'
  /** The interface has the next key; it is not yet sure that peers answer to it. */
  | 'switched';

export interface WireguardKeys {
  stage(): KeyStage;
  /** Public: what is announced as the node's key, and as its next one. */
  announced(): { wireguardPublicKey: string; nextWireguardPublicKey?: string };
  /** steady → announced. Each is whole on disk when it resolves, or has not happened. @throws system errors */
  make(): Promise<void>;
  /** announced → switched: the key file holds the next key. */
  switch(): Promise<void>;
  /** switched → steady, with the next key. */
  confirm(): Promise<void>;
  /** announced or switched → steady, with the old key. */
  revert(): Promise<void>;
}
