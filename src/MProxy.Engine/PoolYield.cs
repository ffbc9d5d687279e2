using System.Runtime.CompilerServices;

namespace MProxy.Engine;

/// <summary>
/// Goes on at the pool, behind all that waits there. Unlike Task.Yield, whatever context the caller has: a loop may be on the thread of whoever
/// called a cmdlet.
/// </summary>
/// <param name="isNeeded">Else whoever awaits this goes on at once.</param>
internal readonly struct PoolYield(bool isNeeded) : ICriticalNotifyCompletion
{
    public bool IsCompleted => !isNeeded;

    public PoolYield GetAwaiter() => this;

    public void GetResult()
    {
    }

    public void OnCompleted(Action continuation) => ThreadPool.QueueUserWorkItem(static next => next(), continuation, preferLocal: false);

    public void UnsafeOnCompleted(Action continuation) => ThreadPool.UnsafeQueueUserWorkItem(static next => next(), continuation, preferLocal: false);
}
