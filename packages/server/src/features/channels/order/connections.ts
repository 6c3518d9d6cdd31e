/** One connection to a source, from its begin to its end; a source that comes back is another one. */
export interface SourceConnection {
  readonly isOpen: boolean;
}

/** What one connection has brought of a channel. */
export interface Lane {
  readonly connection: SourceConnection;
  /** It took part when the count was decided. */
  isEstablished: boolean;
  /** Of the numbers of the count, -1 before the first. */
  highest: number;
  /** The newest number that lay behind the count, -1 where none waits. */
  restart: number;
}

/** The connections that bring packets of one channel. */
export class Lanes {
  #lanes: Lane[] = [];
  #last: Lane | undefined;

  /** The lane of an open connection, a new one where it has none. */
  of(connection: SourceConnection): Lane {
    if (this.#last?.connection === connection) return this.#last;
    this.#last = this.#lanes.find((lane) => lane.connection === connection) ?? this.#add(connection);
    return this.#last;
  }

  /** An open connection has been there since the count was decided. */
  get hasEstablished(): boolean {
    return this.#lanes.some(({ isEstablished, connection }) => isEstablished && connection.isOpen);
  }

  /** The count is decided by what all open connections have brought. */
  establish(): void {
    for (const lane of this.#lanes) lane.isEstablished = true;
  }

  /** Of a new epoch: positions in the old count mean nothing. */
  forgetPositions(): void {
    for (const lane of this.#lanes) lane.highest = -1;
    this.forgetRestarts();
  }

  forgetRestarts(): void {
    for (const lane of this.#lanes) lane.restart = -1;
  }

  #add(connection: SourceConnection): Lane {
    const lane = { connection, isEstablished: false, highest: -1, restart: -1 };
    this.#lanes = [...this.#lanes.filter(({ connection: { isOpen } }) => isOpen), lane];
    return lane;
  }
}
