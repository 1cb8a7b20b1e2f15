/** The AMQP door against the real client. Compiled, not run. */
import { connect, type ChannelModel, type ConsumeMessage } from 'amqplib'
import { amqpConsumer } from '../../src/consumers/amqp.ts'

export async function withAmqplib(): Promise<void> {
  const orders = amqpConsumer('orders', (message: ConsumeMessage) => message.content.toString(), {
    arrivalOf: ({ properties }) => ({ flow: properties.appId ?? 'nobody' }),
    onFailure: (_error, { fields }) => (fields.redelivered ? 'reject' : 'requeue'),
  })
  const connection = await connect('amqp://localhost', {
    recovery: { setup: async (model: ChannelModel) => orders.attach(await model.createChannel()) },
  })
  await orders.drain()
  await connection.close()
}
