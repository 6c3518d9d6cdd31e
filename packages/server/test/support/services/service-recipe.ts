/** Where one instance of a service lives. */
export interface ServicePlace {
  /** A folder of its own, readable by everyone, in which it keeps everything. */
  readonly folder: string;
  /** The first of its ports on 127.0.0.1; the others follow. */
  readonly port: number;
}

export interface ServiceCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** Its whole environment; that of the caller where it is left out. */
  readonly env?: Readonly<Record<string, string>>;
  /** Who runs it, where that is not the caller; only root may say so. */
  readonly user?: string;
}

/**
 * How a real engine is installed, started and asked for life in tests. A recipe keeps no state: what it needs to know of an
 * instance is in the place. `Address` is what a test needs in order to connect.
 */
export interface ServiceRecipe<Address> {
  /** Kebab-case, unique. */
  readonly name: string;
  /** Consecutive ports that an instance takes. */
  readonly ports: number;
  /** What ends it in an orderly way. */
  readonly stopSignal: NodeJS.Signals;
  /** Puts the programs on the machine; quick where they are there. Rejects with a sentence that says what is missing. */
  install(): Promise<void>;
  /** Fills the folder of a new instance, in which there are only the settings. */
  prepare(place: ServicePlace): Promise<void>;
  /** Files of the folder by name, written before every start: settings that may change with the recipe and the ports. */
  settings(place: ServicePlace): Readonly<Record<string, string>>;
  /** Runs the engine in the foreground. */
  command(place: ServicePlace): Promise<ServiceCommand>;
  /** One real request of its protocol; rejects as long as it is not answered as it should be. */
  probe(place: ServicePlace): Promise<void>;
  address(place: ServicePlace): Address;
  /** The address as environment variables, for people and other programs. */
  environment(place: ServicePlace): Readonly<Record<string, string>>;
  /** Whether a start that ended with this log may succeed when it is tried again a moment later. */
  mayRetry?(log: string): boolean;
}
