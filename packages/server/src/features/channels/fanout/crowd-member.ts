import type { Batch } from './batch.ts';
import type { DeliveryForm } from './delivery-form.ts';
import type { PromptSink } from './viewer-sink.ts';

/** Where all members are. */
export interface CrowdPlace {
  readonly form: DeliveryForm;
  readonly entry: number;
  readonly byte: number;
  readonly packet: number;
  readonly epoch: number;
  readonly next: number;
  /** Written to each sink, from where the crowd began. */
  readonly wireBytes: number;
  /** The last write, by the monotonic clock. */
  readonly writtenAt: number;
}

/** What a member knows of those who move with it. */
export interface Crowd {
  /** Undefined without members. */
  readonly place: CrowdPlace | undefined;
  /** The member goes alone, or ends, from the place that is returned. */
  leave(member: CrowdMember, next: 'goes alone' | 'ends'): CrowdPlace | undefined;
}

/** A viewer that others may move as long as it keeps up. */
export interface CrowdMember {
  /** Where a crowd begins with this one. */
  readonly place: CrowdPlace;
  /** The sink, where it moves with the crowd from now on; undefined where it goes alone. */
  joins(crowd: Crowd): PromptSink | undefined;
  /** Takes over where its crowd is. */
  settle(place: CrowdPlace): void;
  leaveCrowd(): void;
  /** The crowd wrote the batch, of which the system has not taken all. */
  leaveWriting(batch: Batch): void;
  /** Sends what there is, one write at most. */
  pump(): void;
}
