/** An event as a driver knows it and as stores and logs give it back. Time and amount together are its id: no two are sent alike. */
export interface EventId {
  /** Unix milliseconds. */
  readonly time: number;
  readonly amount: number;
}

/** An event with the place of its record in the log. */
export interface PlacedEvent extends EventId {
  readonly partition: number;
  readonly offset: number;
}
