import { message } from 'trellis/contract'
import { z } from 'zod'
import { Id } from '../shapes.ts'

/** To itself, by a timer: the reservation's time is over. */
export const ExpireReservation = message('shop.inventory.expire-reservation.v1', z.object({ reservationId: Id }))
