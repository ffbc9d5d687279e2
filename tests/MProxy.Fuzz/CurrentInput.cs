using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;

namespace MProxy.Fuzz;

/// <summary>The input that is being run, in a file that both processes see: what ends or hangs the one is still here for the other.</summary>
internal sealed class CurrentInput : IDisposable
{
    /// <summary>The longest input there is.</summary>
    public const int MaxLength = 4096;

    private const int HeadLength = 12;

    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte[] _head = new byte[HeadLength];
    private long _count;

    public CurrentInput(string path)
    {
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.OpenOrCreate, null, HeadLength + MaxLength);
        _view = _file.CreateViewAccessor();
    }

    /// <summary>How many inputs have begun.</summary>
    public long Count => _view.ReadInt64(0);

    public void Begin(byte[] buffer, int length)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_head, ++_count);
        BinaryPrimitives.WriteInt32LittleEndian(_head.AsSpan(8), length);
        _view.WriteArray(0, _head, 0, HeadLength);
        _view.WriteArray(HeadLength, buffer, 0, length);
    }

    public byte[] Read()
    {
        var input = new byte[Math.Clamp(_view.ReadInt32(8), 0, MaxLength)];
        _view.ReadArray(HeadLength, input, 0, input.Length);
        return input;
    }

    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }
}
