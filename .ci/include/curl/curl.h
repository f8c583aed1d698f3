/* librdkafka looks for this header even where it is built without curl: for cross builds this is enough. */
