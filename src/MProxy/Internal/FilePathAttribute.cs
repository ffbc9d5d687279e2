namespace MProxy.Internal;

/// <summary>A parameter takes the path of a file, though its name does not end in Path. In a configuration file, it starts at that file's folder.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class FilePathAttribute : Attribute;
