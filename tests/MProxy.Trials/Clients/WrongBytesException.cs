namespace MProxy.Trials.Clients;

/// <summary>Somebody got what was not meant for it, or took a part for the whole: what may never happen, whatever fails.</summary>
internal sealed class WrongBytesException(string message) : Exception(message);
