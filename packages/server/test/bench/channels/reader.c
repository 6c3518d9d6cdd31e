/*
 * Viewers of `bench channels`: so many connections in one thread, none of which is the limit.
 * reader <port> <viewers> <stalled> <payload bytes> <channel>
 * The stalled ones are opened, and never read. Payloads begin with their number and the monotonic nanoseconds at which they were due,
 * both u64, little-endian. `r` on stdin begins anew, `p` prints what came since, as a line of JSON.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD 16
#define BUCKETS 200000
#define BUCKET_US 10

struct viewer {
  int fd;
  uint64_t last;
  uint32_t at;
  int begun;
  unsigned char head[HEAD];
};

static uint64_t buckets[BUCKETS], packets, bytes, missing, disorder, reads;
static uint32_t payload;
static char buffer[1 << 20];

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void packet(struct viewer *v, uint64_t now) {
  uint64_t number, due;
  memcpy(&number, v->head, 8);
  memcpy(&due, v->head + 8, 8);
  if (v->begun && number <= v->last) disorder++;
  else if (v->begun) missing += number - v->last - 1;
  v->begun = 1;
  v->last = number;
  packets++;
  uint64_t bucket = now > due ? (now - due) / 1000 / BUCKET_US : 0;
  buckets[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
}

static void take(struct viewer *v, const char *data, size_t length, uint64_t now) {
  bytes += length;
  while (length > 0) {
    uint32_t part;
    if (v->at < HEAD) {
      part = HEAD - v->at;
      if (part > length) part = (uint32_t)length;
      memcpy(v->head + v->at, data, part);
      if (v->at + part == HEAD) packet(v, now);
    } else {
      part = payload - v->at;
      if (part > length) part = (uint32_t)length;
    }
    v->at += part;
    data += part;
    length -= part;
    if (v->at == payload) v->at = 0;
  }
}

static double quantile(double share) {
  uint64_t seen = 0, wanted = (uint64_t)((double)packets * share);
  for (int i = 0; i < BUCKETS; i++) {
    seen += buckets[i];
    if (seen > wanted) return (double)(i + 1) * BUCKET_US / 1000;
  }
  return 0;
}

static void print(void) {
  printf("{\"packets\":%llu,\"bytes\":%llu,\"reads\":%llu,\"missing\":%llu,\"disorder\":%llu,\"p50Ms\":%.2f,\"p99Ms\":%.2f,\"maxMs\":%.2f}\n",
         (unsigned long long)packets, (unsigned long long)bytes, (unsigned long long)reads, (unsigned long long)missing,
         (unsigned long long)disorder, quantile(0.5), quantile(0.99), quantile(0.999999));
  fflush(stdout);
}

int main(int argc, char **argv) {
  if (argc != 6) return 64;
  int port = atoi(argv[1]), count = atoi(argv[2]), stalled = atoi(argv[3]);
  payload = (uint32_t)atoi(argv[4]);
  int poll = epoll_create1(0);
  struct viewer *viewers = calloc((size_t)count + 1, sizeof *viewers);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[256];
  epoll_ctl(poll, EPOLL_CTL_ADD, 0, &event);
  for (int i = 0; i < count; i++) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct viewer *v = &viewers[i];
    v->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(v->fd, (struct sockaddr *)&to, sizeof to) != 0) return 69;
    char line[200];
    int length = snprintf(line, sizeof line, "user-%d %s\n", i, argv[5]);
    if (write(v->fd, line, (size_t)length) != length) return 69;
    fcntl(v->fd, F_SETFL, O_NONBLOCK);
    event.data.ptr = v;
    if (i >= stalled) epoll_ctl(poll, EPOLL_CTL_ADD, v->fd, &event);
  }
  for (;;) {
    int ready = epoll_wait(poll, events, 256, -1);
    for (int i = 0; i < ready; i++) {
      struct viewer *v = events[i].data.ptr;
      if (v == NULL) {
        char command;
        if (read(0, &command, 1) != 1) return 0;
        if (command == 'p') print();
        if (command == 'r') {
          memset(buckets, 0, sizeof buckets);
          packets = bytes = reads = missing = disorder = 0;
        }
        continue;
      }
      ssize_t got = read(v->fd, buffer, sizeof buffer);
      if (got == 0) return 0;
      if (got > 0) {
        reads++;
        take(v, buffer, (size_t)got, now_ns());
      }
    }
  }
}
