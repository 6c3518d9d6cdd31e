/** A directory on a disk, owned by one writer. */
export interface Volume {
  /** 10 random characters, kept in the file `volume-id` of the volume. */
  readonly id: string;
  readonly type: string;
  readonly label: string;
  /** Absolute path. */
  readonly path: string;
}

/** The file with the volume's id. */
export const volumeIdName = 'volume-id';
/** The file that keeps room for whoever works on a full disk. */
export const ballastName = 'ballast';
/** Below the volume: what it had and metadata did not know. `mkfs` makes a folder of this name too. */
export const lostAndFoundName = 'lost+found';
