// The few kernel settings that forwards need, of single interfaces. What the agent turned on is remembered across its restarts, so
// that it can be turned off again; a reboot turns everything off by itself.

/** `forwarding`: packets that come in there may be routed on. `route_localnet`: 127.0.0.0/8 may be reached from there. */
export interface KernelSetting {
  interfaceName: string;
  name: 'forwarding' | 'route_localnet';
}

/** A setting that the agent turned on. */
export interface OwnSetting extends KernelSetting {
  /** The machine forwarded on all other interfaces then. */
  everywhere: boolean;
}

export interface KernelState {
  /** net.ipv4.ip_forward: somebody made the machine a router, as Docker does. */
  everywhere: boolean;
  /** Of those asked for and those of `own`, the ones that are on. */
  on: readonly KernelSetting[];
  /** Turned on by the agent since the last boot. */
  own: readonly OwnSetting[];
}

export interface KernelSettingsReader {
  /** @throws KokoaError kernel_setting_failed */
  read(asked: readonly KernelSetting[]): Promise<KernelState>;
}

export interface KernelSettingsWriter {
  /** Turns these on or off; `own` is remembered instead of what was. @throws KokoaError kernel_setting_failed, state_unwritable */
  turn(to: 'on' | 'off', settings: readonly KernelSetting[], own: readonly OwnSetting[]): Promise<void>;
}

export type KernelSettings = KernelSettingsReader & KernelSettingsWriter;
