// Compiled, never run: the guard against the real types of mysql2.
import { createPool, type PoolConnection, type RowDataPacket } from 'mysql2/promise'
import { protectMysql } from '../../src/pools/pg.ts'

export async function used(): Promise<void> {
  const pool = protectMysql(createPool({ host: '127.0.0.1', connectionLimit: 50 }), { size: 50 })
  const [rows] = await pool.query<RowDataPacket[]>('select ? as id', [1])
  await pool.execute('select 1')
  const connection: PoolConnection = await pool.with({ priority: 0, timeout: 500 }).getConnection()
  await connection.beginTransaction()
  connection.release()
  console.log(rows.length, pool.pressure.value.level)
  await pool.end()
}
