using BenchmarkDotNet.Loggers;

namespace MProxy.Benchmarks.Codec;

/// <summary>Lets what went wrong through, and nothing else that BenchmarkDotNet has to say.</summary>
internal sealed class ErrorLogger : ILogger
{
    private bool _isOpen;

    public string Id => nameof(ErrorLogger);

    public int Priority => 0;

    public void Write(LogKind logKind, string text)
    {
        if (logKind == LogKind.Error)
        {
            Console.Error.Write(text);
            _isOpen = true;
        }
    }

    public void WriteLine()
    {
        if (_isOpen)
        {
            Console.Error.WriteLine();
            _isOpen = false;
        }
    }

    public void WriteLine(LogKind logKind, string text)
    {
        Write(logKind, text);
        WriteLine();
    }

    public void Flush()
    {
    }
}
