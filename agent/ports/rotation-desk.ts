// Where the person who wants a new WireGuard key and the agent that makes it meet: the one leaves a wish, the other says how far it is.

export type RotationWish = 'rotate' | 'abort';

export interface RotationProgress {
  state: /** The next key is announced; `waitingFor` must know it first. */
    | 'waiting'
    /** The interface has it; peers are asked whether they answer. */
    | 'switched'
    /** Peers answer to it; the control plane is to hear of it. */
    | 'confirmed'
    | 'done'
    /** The old key is in use, for `reason`. */
    | 'failed'
    | 'aborted';
  /** ms since the epoch. */
  sinceMs: number;
  waitingFor?: string[];
  reason?: string;
}

export interface RotationDesk {
  /** The wish that lies there, and it lies there no more. */
  takeWish(): Promise<RotationWish | undefined>;
  leaveWish(wish: RotationWish): Promise<void>;
  /** True while nobody took it. */
  hasWish(): Promise<boolean>;
  /** Undefined: no key was ever replaced here. */
  progress(): Promise<RotationProgress | undefined>;
  say(progress: RotationProgress): Promise<void>;
}
