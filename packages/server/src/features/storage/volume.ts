/** A directory on a disk, owned by one writer. */
export interface Volume {
  /** 10 random characters, kept in the file `volume-id` of the volume. */
  readonly id: string;
  readonly type: string;
  readonly label: string;
  /** Absolute path. */
  readonly path: string;
}
