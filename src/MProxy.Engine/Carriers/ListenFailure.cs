using System.Net.Sockets;

namespace MProxy.Engine.Carriers;

/// <summary>Says which address cannot be had: "Address already in use" alone names none of several.</summary>
internal static class ListenFailure
{
    /// <summary>Opens an address.</summary>
    /// <exception cref="SocketException">It cannot be had: the same error, with the address in its text.</exception>
    public static void Name(object address, Action open)
    {
        try
        {
            open();
        }
        catch (SocketException error)
        {
            throw new SocketException((int)error.SocketErrorCode, $"{address} cannot be opened: {Reason(error)}.");
        }
    }

    /// <summary>What the system says, without the address: for whoever is not to learn it.</summary>
    public static string Reason(SocketException error) => new SocketException((int)error.SocketErrorCode).Message;
}
