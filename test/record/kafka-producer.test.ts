import { createKafkaProducer } from '../../src/record/kafka-producer.ts';
import { describeProducer, describeProducerOnCluster } from '../contract/producer.ts';

describeProducer('kafkajs', createKafkaProducer);
describeProducer('kafkajs', createKafkaProducer, { version: '3.9.2' });
describeProducerOnCluster('kafkajs', createKafkaProducer);
