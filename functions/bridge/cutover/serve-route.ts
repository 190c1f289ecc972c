import { serve, toProblem } from '../api/serve.ts'
import { storeOfCursor } from '../http/paging.ts'
import { type HttpResponse, problemResponse } from '../http/response.ts'
import type { Owner } from '../model/owner.ts'
import type { Route } from '../model/route.ts'
import type { ApiCall, RefusedCall } from '../normalise/api.ts'
import type { Log } from '../runtime/log.ts'
import type { Facade } from './facade.ts'
import type { FacadeRequest } from './facade-request.ts'
import { type SideParts, serveBySides } from './serve-by-sides.ts'
import type { SideCall } from './side-caller.ts'

/** What serves sides by functions, and the call as they are to get it. */
type SidesOfCall = SideParts & { readonly call: SideCall }

/**
 * Serves a call at the owner of its key, as `serve` does at one side: the same contract, the same faults. Headers say which side
 * has answered, and where the route stood.
 */
export const serveRoute = async (
  call: ApiCall | RefusedCall,
  facade: Facade,
  context: {
    readonly requestId: string
    readonly log: Log
    /** Hears which side has answered, or was to, and with which status. */
    readonly onAnswer?: (side: Owner, statusCode: number) => void
  },
  sides?: SidesOfCall,
): Promise<HttpResponse> => {
  const { path, query } = call.request
  if (call.action === 'refuse') return problemResponse(call.problem, path, context.requestId)
  try {
    const listed = call.action === 'list' ? storeOfCursor(query.cursor) : undefined
    const request = await facade.open(call.entity, listed)
    const response =
      sides === undefined || call.entity.sides === undefined
        ? await serve(call, request, context)
        : await atSides(
            call,
            request,
            { ...sides, stores: facade.stores, log: context.log },
            context.requestId,
          )
    if (request.meant !== undefined) context.onAnswer?.(request.meant, response.statusCode)
    return { ...response, headers: { ...response.headers, ...headersOf(request.answered, request.route) } }
  } catch (error) {
    return problemResponse(toProblem(error, context.log), path, context.requestId)
  }
}

/** What fails is told with the side that has failed. */
const atSides = async (
  call: ApiCall,
  request: FacadeRequest,
  parts: Parameters<typeof serveBySides>[2],
  requestId: string,
): Promise<HttpResponse> => {
  try {
    return await serveBySides(call, request, parts)
  } catch (error) {
    return problemResponse(toProblem(error, parts.log), call.request.path, requestId)
  }
}

/** The header that says which side has answered. */
export const SIDE = 'backsync-side'

/** What an answer of the facade says beside what its side would have answered. */
const headersOf = (side: string | undefined, { stage, percent, epoch }: Route): Record<string, string> => ({
  ...(side !== undefined && { [SIDE]: side }),
  'backsync-stage': stage === 'live' ? `live;percent=${percent}` : stage,
  'backsync-epoch': String(epoch),
})
