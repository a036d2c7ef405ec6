// The files that the web server reads for a login: names and hashes of one list each. Nobody but root and its workers may read them.

export interface UsersStore {
  /** Names of files, whoever wrote them. */
  list(): Promise<string[]>;
  /** Undefined when it is not there, is no ordinary file of bounded size, or others may read it. */
  read(name: string): Promise<string | undefined>;
  /** Replaces it in one step; durable when it resolves. @throws KokoaError users_store_failed */
  write(name: string, text: string): Promise<void>;
  /** @throws KokoaError users_store_failed */
  remove(name: string): Promise<void>;
}
