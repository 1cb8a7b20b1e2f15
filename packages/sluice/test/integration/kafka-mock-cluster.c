/*
 * A Kafka cluster that is not one: librdkafka's mock cluster, on loopback, told what to do on standard input.
 *
 *   kafka-mock-cluster BROKERS
 *
 * prints its bootstrap servers on one line and then obeys, one command a line, each answered with "ok" or "no":
 *
 *   topic NAME PARTITIONS | down BROKER | up BROKER | coordinator GROUP BROKER | leader TOPIC PARTITION BROKER
 *
 * It ends when standard input does, so that it cannot outlive whoever started it.
 */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  char why[512], line[512], name[256];
  int number, other;
  rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof why);
  rd_kafka_mock_cluster_t *cluster = rk == NULL ? NULL : rd_kafka_mock_cluster_new(rk, argc > 1 ? atoi(argv[1]) : 3);
  if (cluster == NULL) return 1;
  printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
  fflush(stdout);
  while (fgets(line, sizeof line, stdin) != NULL) {
    rd_kafka_resp_err_t failed = RD_KAFKA_RESP_ERR_UNKNOWN;
    if (sscanf(line, "topic %255s %d", name, &number) == 2)
      failed = rd_kafka_mock_topic_create(cluster, name, number, 1);
    else if (sscanf(line, "down %d", &number) == 1)
      failed = rd_kafka_mock_broker_set_down(cluster, number);
    else if (sscanf(line, "up %d", &number) == 1)
      failed = rd_kafka_mock_broker_set_up(cluster, number);
    else if (sscanf(line, "coordinator %255s %d", name, &number) == 2)
      failed = rd_kafka_mock_coordinator_set(cluster, "group", name, number);
    else if (sscanf(line, "leader %255s %d %d", name, &number, &other) == 3)
      failed = rd_kafka_mock_partition_set_leader(cluster, name, number, other);
    puts(failed ? "no" : "ok");
    fflush(stdout);
  }
  rd_kafka_mock_cluster_destroy(cluster);
  rd_kafka_destroy(rk);
  return 0;
}
