// struct virtio_net_hdr, which precedes each packet of an offloading TUN (linux/virtio_net.h, virtio 1.2 §5.1.6), and the
// fields of IP, TCP and UDP that segmentation offload is about. All numbers of the header are in the machine's order.
//
//   flags (1)  gso type (1)  header length (2)  segment size (2)  checksum start (2)  checksum offset (2)

export const VIRTIO_HEADER_LENGTH = 10;

/** Flag: the checksum field holds only the pseudo-header's sum. */
export const NEEDS_CHECKSUM = 1;

export const GSO = { none: 0, tcp4: 1, tcp6: 4, udp: 5 } as const;
/** Set beside the type when the superpacket carries CWR. */
export const GSO_ECN = 0x80;

export const VIRTIO = {
  flags: 0,
  gsoType: 1,
  headerLength: 2,
  segmentSize: 4,
  checksumStart: 6,
  checksumOffset: 8,
} as const;

export const IPV4 = {
  headerLength: 20,
  trafficClass: 1,
  totalLength: 2,
  id: 4,
  fragment: 6,
  ttl: 8,
  protocol: 9,
  checksum: 10,
  source: 12,
  destination: 16,
} as const;
export const IPV6 = {
  headerLength: 40,
  payloadLength: 4,
  nextHeader: 6,
  hopLimit: 7,
  source: 8,
  destination: 24,
} as const;
export const TCP = {
  headerLength: 20,
  sequence: 4,
  acknowledgement: 8,
  dataOffset: 12,
  flags: 13,
  window: 14,
  checksum: 16,
} as const;
export const UDP = { headerLength: 8, length: 4, checksum: 6 } as const;

export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;

export const TCP_FIN = 0x01;
export const TCP_PSH = 0x08;
export const TCP_ACK = 0x10;
export const TCP_CWR = 0x80;

export const MAX_IP_LENGTH = 65_535;
