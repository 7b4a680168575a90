import { createKafkaProducer } from '../../src/record/kafka-producer.ts';
import { describeProducer, describeProducerOnCluster } from '../contract/producer.ts';

describeProducer('kafkajs', createKafkaProducer);
describeProducerOnCluster('kafkajs', createKafkaProducer);
