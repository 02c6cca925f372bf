import { Socket } from 'node:net'

let trips = 0

/**
 * How often this process has asked a server something over TCP and begun to hear the answer. What
 * comes unasked, such as a notification, counts as nothing, however many pieces an answer has.
 */
export function roundTrips(): number {
  return trips
}

// Drivers offer no hook that all of them share; below them is the socket.
const connect = Reflect.get(Socket.prototype, 'connect')
Socket.prototype.connect = function (this: Socket, ...args: unknown[]): Socket {
  const socket = Reflect.apply(connect, this, args) as Socket
  // Not before, since connecting puts the plain method for writing back.
  observe(socket)
  return socket
}

function observe(socket: Socket): void {
  let asked = false
  const write = socket.write.bind(socket)
  socket.write = (...args: unknown[]) => {
    asked = true
    return Reflect.apply(write, socket, args) as boolean
  }
  // Not a listener: drivers remove all of those, once they are connected.
  const emit = socket.emit.bind(socket)
  socket.emit = (event: string, ...args: unknown[]) => {
    if (event === 'data') {
      if (asked) trips += 1
      asked = false
    }
    return Reflect.apply(emit, socket, [event, ...args]) as boolean
  }
}
