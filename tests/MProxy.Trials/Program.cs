using MProxy.Trials;
using MProxy.Trials.Fleet;
using MProxy.Trials.Kill;
using MProxy.Trials.Load;
using MProxy.Trials.Roles;

// load [--idle N] [--active N] [--links N] [--seconds N] [--seed N]   many clients on many links for a while
// kill [--seconds N] [--seed N]                                       processes that are killed, suspended, or without a thread, at any moment
// fleet [--seconds N] [--seed N]                                      relays of a fleet and their Redis, killed, suspended and flushed
// directory [--links N]                                               what Redis has to do for so many devices
try
{
    return args switch
    {
        [RelayRole.Name, .. var rest] => await RelayRole.RunAsync(rest),
        [DeviceRole.Name, .. var rest] => await DeviceRole.RunAsync(rest),
        [ServiceRole.Name, .. var rest] => await ServiceRole.RunAsync(rest),
        [FleetRelayRole.Name, .. var rest] => await FleetRelayRole.RunAsync(rest),
        [FleetDeviceRole.Name, .. var rest] => await FleetDeviceRole.RunAsync(rest),
        ["fleet", .. var rest] => await FleetTrial.RunAsync(new TrialOptions(rest)),
        ["directory", .. var rest] => await DirectoryTrial.RunAsync(new TrialOptions(rest)),
        ["load", .. var rest] => await LoadTrial.RunAsync(new TrialOptions(rest)),
        ["kill", .. var rest] => await KillTrial.RunAsync(new TrialOptions(rest)),
        _ => Usage(),
    };
}
catch (FormatException error)
{
    Console.Error.WriteLine(error.Message);
    return Usage();
}

static int Usage()
{
    Console.Error.WriteLine("load [--idle N] [--active N] [--links N] [--seconds N] [--seed N] | kill [--seconds N] [--seed N] | fleet [--seconds N] [--seed N] | directory [--links N]");
    return 64;
}
