"""The log of the separate services: Apache Kafka, for those who write to it, make its topics or ask how far it is."""
