import { encodeV1, writeNumber } from './frame-v1.ts';
import { gapReasonName, type StreamFrame } from './stream-frame.ts';

/** How a viewer gets a channel. Viewers of one form share what is encoded. */
export interface DeliveryForm {
  readonly name: 'raw' | 'len' | 'v1' | 'websocket' | 'sse';
  /** Pieces of a frame on the wire; undefined where the form leaves it out. */
  encode(frame: StreamFrame): readonly Uint8Array[] | undefined;
}

/** Nothing but payload bytes. They are sent as they lie in the slab, so that this is only asked about what is no packet. */
export const rawForm: DeliveryForm = {
  name: 'raw',
  encode: (frame) => (frame.type === 'data' ? [frame.payload] : undefined),
};

/** Number u64, length u32, payload; packets only. */
export const lenForm: DeliveryForm = {
  name: 'len',
  encode: (frame) => {
    if (frame.type !== 'data') return undefined;
    const head = Buffer.allocUnsafe(12);
    writeNumber(head, frame.sequence, 0);
    head.writeUInt32BE(frame.payload.length, 8);
    return [head, frame.payload];
  },
};

export const v1Form: DeliveryForm = { name: 'v1', encode: encodeV1 };

/**
 * A binary message for each frame of `frame=v1` (RFC 6455, 5.2). What a server sends is not masked, so all viewers get the same bytes.
 */
export const websocketForm: DeliveryForm = {
  name: 'websocket',
  encode: (frame) => {
    const pieces = encodeV1(frame);
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    return [messageHead(length), ...pieces];
  },
};

const wholeBinaryMessage = 0x82;

function messageHead(length: number): Buffer {
  if (length < 126) return Buffer.from([wholeBinaryMessage, length]);
  if (length < 2 ** 16) {
    const head = Buffer.from([wholeBinaryMessage, 126, 0, 0]);
    head.writeUInt16BE(length, 2);
    return head;
  }
  const head = Buffer.alloc(10);
  head[0] = wholeBinaryMessage;
  head[1] = 127;
  writeNumber(head, length, 2);
  return head;
}

/** Server-sent events named after the frames; the payload in base64. The id of a packet is what `from` takes to go on behind it. */
export const sseForm: DeliveryForm = {
  name: 'sse',
  encode: (frame) => {
    switch (frame.type) {
      case 'data':
        return event(frame.type, {
          id: `${frame.epoch}:${frame.sequence + 1}`,
          data: { epoch: frame.epoch, seq: frame.sequence, payload: base64(frame.payload) },
        });
      case 'gap':
        return event(frame.type, {
          data: { epoch: frame.epoch, from: frame.from, to: frame.to, reason: gapReasonName(frame.reason) },
        });
      case 'hello':
      case 'epoch':
        return event(frame.type, { data: { epoch: frame.epoch, next: frame.next } });
      case 'bye':
        return event(frame.type, { data: { code: frame.code } });
    }
  },
};

const base64 = ({ buffer, byteOffset, length }: Uint8Array): string => Buffer.from(buffer, byteOffset, length).toString('base64');

function event(type: string, { id, data }: { readonly id?: string; readonly data: object }): readonly Uint8Array[] {
  return [Buffer.from(`event: ${type}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`)];
}
