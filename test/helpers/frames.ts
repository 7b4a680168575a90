/** Frames of the WebSocket protocol as bytes (RFC 6455 section 5.2), right or wrong. */

export const OP = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface FrameOptions {
  readonly fin?: boolean;
  /** The three reserved bits. */
  readonly rsv?: number;
  /** A client masks; false: this one doesn't. */
  readonly masked?: boolean;
}

export function frame(opcode: number, payload: Uint8Array | string = '', options: FrameOptions = {}): Buffer {
  const { fin = true, rsv = 0, masked = true } = options;
  const body = Buffer.from(payload as Uint8Array);
  const length = lengthOf(body.length, masked);
  const head = Buffer.from([(fin ? 0x80 : 0) | (rsv << 4) | opcode]);
  if (!masked) return Buffer.concat([head, length, body]);
  const mask = Buffer.from([0x12, 0x34, 0x56, 0x78]);
  for (let i = 0; i < body.length; i++) body[i] = (body[i] ?? 0) ^ (mask[i % 4] ?? 0);
  return Buffer.concat([head, length, mask, body]);
}

export function closeFrame(code: number, reason = ''): Buffer {
  const payload = Buffer.concat([Buffer.alloc(2), Buffer.from(reason)]);
  payload.writeUInt16BE(code);
  return frame(OP.close, payload);
}

function lengthOf(bytes: number, masked: boolean): Buffer {
  const bit = masked ? 0x80 : 0;
  if (bytes < 126) return Buffer.from([bit | bytes]);
  const length = Buffer.alloc(bytes < 65_536 ? 3 : 9);
  length[0] = bit | (bytes < 65_536 ? 126 : 127);
  if (bytes < 65_536) length.writeUInt16BE(bytes, 1);
  else length.writeBigUInt64BE(BigInt(bytes), 1);
  return length;
}
